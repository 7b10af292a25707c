"""Benchmarks, each as a ratio to a named limit."""
