"""`python -m coinslot_scenarios …` is `coinslot …`."""

import sys

from coinslot_scenarios.cli import main

sys.exit(main())
