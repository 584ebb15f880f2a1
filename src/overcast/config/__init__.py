"""The typed config: schema, composing, options and their checks, messages, the scripts' main."""
