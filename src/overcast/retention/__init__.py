"""What may be deleted: the weights of trials whose figures and predictions are all that is asked for any more."""
