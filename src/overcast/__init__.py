"""overcast: which way of fighting overfitting works, for this network on this data, and how sure are we?"""
