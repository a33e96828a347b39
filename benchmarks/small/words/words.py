def wrap(text, width):
    """Break text into lines of at most `width` characters, between words."""
    lines, line = [], ""
    for word in text.split():
        longer = line + word
        if len(longer) >= width and line:
            lines.append(line)
            line = word
        else:
            line = longer
    return lines


def longest(text, width):
    """Length of the longest of the lines."""
    return max((len(line) for line in wrap(text, width)), default=0)
