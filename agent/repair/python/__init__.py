"""Python behind the `Language` seam. Nothing outside this package may assume Python."""
