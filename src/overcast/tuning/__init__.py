"""A search for the options that suit a network and its data: many trainings, of which the hopeless end early.

space says what may vary, objective what one trial is, storage where trials are kept, worker what trains them, search is
all of it from the command to the report, outcome what it found, recipe writes the winner down, report is the page.
find_lr is no search: one range test of the learning rate.
"""
