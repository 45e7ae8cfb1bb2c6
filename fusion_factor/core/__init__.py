"""Floor 0: the words and checks everything else stands on. Imports nothing of ours."""
