"""What every test shares: how hypothesis searches."""

from hypothesis import settings

settings.register_profile("suite", deadline=None)  # a busy machine is slow, not wrong
settings.load_profile("suite")
