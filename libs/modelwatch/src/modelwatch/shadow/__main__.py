"""The process of a shadow, which `modelwatch.shadow.child` starts."""

from modelwatch.shadow.worker import main

main()
