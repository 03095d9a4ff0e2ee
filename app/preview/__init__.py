"""The previewer: compare view, tile overlay and timeline, without knowledge of the engine process."""
