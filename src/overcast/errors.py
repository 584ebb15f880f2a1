"""The one exception for what a user can mend."""


class UserError(Exception):
    """A mistake or a missing thing that the user can put right.

    Its text is the whole message a person sees: what is wrong and what to do. It takes exactly one
    string, so that it survives pickling between worker processes.
    """
