"""Expands `resume=` and `reproduce=` on the command line."""


def expanded(words: list[str]) -> list[str]:
    """The command line that `resume=FILE` or `reproduce=RUN_DIR` stands for; other command lines unchanged."""
    if any(word.startswith("resume=") for word in words):
        from sr.run.resume import command_line  # imported here: it imports torch
    elif any(word.startswith("reproduce=") for word in words):
        from sr.run.reproduce import command_line
    else:
        return words
    return command_line(words)
