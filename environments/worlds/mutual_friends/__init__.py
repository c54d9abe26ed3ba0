"""Mutual friends: the world, and the rules that play it without a model."""

from tertulia.environments.worlds.mutual_friends.policy import MutualFriendsRules
from tertulia.environments.worlds.mutual_friends.world import FriendsParams, MutualFriends, Say, Select, State

__all__ = ["FriendsParams", "MutualFriends", "MutualFriendsRules", "Say", "Select", "State"]
