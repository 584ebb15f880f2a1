"""What every room stands on: errors, whole files, locks, seeding, signals, devices, the spec of a pack."""
