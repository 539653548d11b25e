"""The tree of this process: what runs, in which order, with which components."""
