"""The tasks that are built in: a module a family, an object a task."""
