"""The command line: from a shell line to one named query and back."""
