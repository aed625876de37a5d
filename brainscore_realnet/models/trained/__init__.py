"""Every model card of the store whose identifier no other plugin registers."""

from brainscore_vision import model_registry

from .model import register_cards

register_cards(model_registry)
