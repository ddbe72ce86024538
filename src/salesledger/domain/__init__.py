"""The pure domain: events, what decides them and what folds them. No database, no clock, no input or output."""
