"""Side doors: the commands of a repository that install something, wherever they are written.

A reader for each kind of file turns it into commands; `installers` tells what a command installs,
and whether a checked file says so. The parsers are no part of a production environment: they are
imported by the modules that need them, when a file of that kind is read.
"""
