"""Training on a bare machine without network: pack what it lacks, train there in short calls, unpack what comes back."""
