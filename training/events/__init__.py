"""Features over a log of events, as of a moment: one definition, carried out by DuckDB or by Spark.

The log has a row for each event: visitor, time, and where wanted id, kind and any other columns. The rules:

- A feature as of a moment knows only events strictly before it. An event at the very moment does not count; it belongs
  to what came of it, and so to the label.
- A window of n days holds the events from n times 24 hours before the moment on, its first instant included. It is as
  long at every date, also across a change to daylight saving time and at the beginning of the records.
- Events of one visitor with one id are one event: the earliest counts, and of equally early ones that with the least
  values, column by column. Events without id are each their own.
- Events may stand in the log in any order. Nothing depends on when they came or on where they stand.
- Events at equal times all count. Where one must be chosen, as the last value, it is the greatest, and of words the one
  that stands first in the vocabulary.
- A journey is how many of its steps were made in the window, at most, each after the one before and near enough to it.
  Events at equal times are in the order of their words; those that say no word, or do not count, are no events to it.
- A time without zone is UTC. Hours of the day and days of the week are those of the log's stated zone.
- A decayed sum as of t is the sum of value * 2^(-(t - time) / half life) over all events before t, and a decayed count
  that of ones. A decayed mean is their ratio.
"""
