"""Imported first by each script: until its work begins, Ctrl-C ends it at once and without a traceback.

From then on `overcast.core.signals.ctrl_c_raises`.
"""

import signal
from multiprocessing import current_process

# a worker imports the script too, in the middle of what it is for
if signal.getsignal(signal.SIGINT) is signal.default_int_handler and current_process().name == "MainProcess":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
