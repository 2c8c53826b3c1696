"""The daemon as a process against a gateway that misbehaves on purpose, with a stopwatch.

A chaos scenario is a scenario file of the simulator that is played in real time. What is added here
is the measure: how long protection took to return, each time, and how that compares with the past.
"""
