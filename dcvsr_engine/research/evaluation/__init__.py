"""Measuring how good a restoration is: metrics, evaluation clips, tables and reports."""
