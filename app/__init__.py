"""The desktop program: a window around `dcvsr_engine`. Never imports torch, which lives in the engine process."""
