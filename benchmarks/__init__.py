"""The numbers of docs/performance.md: medians, and ratios within one run."""
