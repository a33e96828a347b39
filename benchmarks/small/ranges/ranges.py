def merge(ranges):
    """Join ranges (first, last) that overlap or touch; the result is sorted."""
    merged = []
    for first, last in sorted(ranges):
        if merged and first < merged[-1][0]:
            merged[-1] = (merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged


def total(ranges):
    """How many whole numbers lie in any of the ranges."""
    return sum(last - first + 1 for first, last in merge(ranges))
