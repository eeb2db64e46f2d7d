"""Statistics of readers: agreement, error rates, and the errors that are left."""
