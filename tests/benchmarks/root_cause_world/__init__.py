"""A small chain whose faults are known: supplier, DC, stores. It knows nothing of how causes are attributed.

`faults` draws what goes wrong, `chain` runs the world with or without each fault on the same random numbers, `seen` writes down what a
retailer's systems would have recorded, `truth` finds the single fault whose removal removes most of a loss.
"""
