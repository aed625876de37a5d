"""The network of this folder's models.

Travels inside submissions of models whose backbone is CORnet-S; of others, one is written like it.
"""

from torch import nn

from brainscore_realnet.networks.cornet_s import CORnetS


def build_network() -> nn.Module:
    """Build the network anew, with random weights; nothing is downloaded."""
    return CORnetS()
