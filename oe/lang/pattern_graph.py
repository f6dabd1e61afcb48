"""The graph of a pattern's positions: strongly connected groups, and walks of several readers over one text."""

from __future__ import annotations

from collections.abc import Collection


class Graph:
    """States with the set of characters that enters each (a bit mask), and edges with their number of ways."""

    def __init__(self, masks: list[int], follow: list[dict[int, int]]) -> None:
        self.masks = masks
        self.follow = follow
        self._steps = 0

    def merges(self, source: int, members: Collection[int], most_steps: int) -> set[int]:
        """Where two different ways from `source` through `members` meet again after reading the same text.

        A walk that gets too long counts as meeting everywhere.
        """
        masks = self.masks
        targets = [target for target in self.follow[source] if target in members and masks[target]]
        met = {target for target in targets if self.follow[source][target] > 1}
        waiting = [(one, other) for index, one in enumerate(targets) for other in targets[index + 1:]
                   if masks[one] & masks[other]]
        seen = set(waiting)
        while waiting:
            one, other = waiting.pop()
            for left in self.follow[one]:
                if left not in members:
                    continue
                for right in self.follow[other]:
                    self._steps += 1
                    if right not in members or not masks[left] & masks[right]:
                        continue
                    if left == right:
                        met.add(left)
                        continue
                    pair = (left, right) if left < right else (right, left)
                    if pair not in seen:
                        seen.add(pair)
                        waiting.append(pair)
            if self._steps > most_steps:
                return set(members)
        return met

    def share(self, loop: list[int], later: list[int], most_steps: int) -> bool:
        """Whether one text leads round `loop`, from it to `later`, and round `later`. True if that takes too long."""
        steps = 0
        for start in loop:
            for end in later:
                found, taken = self._shares(start, end, frozenset(loop), frozenset(later), most_steps - steps)
                steps += taken
                if found or steps > most_steps:
                    return True
        return False

    def _shares(self, start: int, end: int, loop: frozenset[int], later: frozenset[int],
                most_steps: int) -> tuple[bool, int]:
        """Three readers on one text: start to start, start to end, end to end."""
        goal = (start, end, end)
        waiting = [(start, start, end)]
        seen = set(waiting)
        steps = 0
        while waiting and steps <= most_steps:
            stays, moves, ends = waiting.pop()
            for one in self.follow[stays]:
                if one not in loop:
                    continue
                for third in self.follow[ends]:
                    common = self.masks[one] & self.masks[third] if third in later else 0
                    if not common:
                        continue
                    for second in self.follow[moves]:
                        steps += 1
                        state = (one, second, third)
                        if common & self.masks[second] and state not in seen:
                            if state == goal:
                                return True, steps
                            seen.add(state)
                            waiting.append(state)
        return False, steps


def components(follow: list[dict[int, int]]) -> list[list[int]]:
    """The strongly connected groups, those that are reached listed before those that reach them (Tarjan)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    groups: list[list[int]] = []
    for root in range(len(follow)):
        work = [(root, iter(follow[root]))] if root not in index else []
        if work:
            index[root] = low[root] = len(index)
            stack.append(root)
            on_stack.add(root)
        while work:
            state, targets = work[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(follow[target])))
                    break
                if target in on_stack:
                    low[state] = min(low[state], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[state])
                if low[state] == index[state]:
                    cut = stack.index(state)
                    groups.append(stack[cut:])
                    on_stack.difference_update(stack[cut:])
                    del stack[cut:]
    return groups


def reachable(follow: list[dict[int, int]], groups: list[list[int]]) -> list[set[int]]:
    """For each group the groups that can be reached from it, itself included."""
    group_of = {state: number for number, group in enumerate(groups) for state in group}
    below: list[set[int]] = []
    for number, group in enumerate(groups):
        found = {number}
        for state in group:
            for target in follow[state]:
                if group_of[target] != number:
                    found |= below[group_of[target]]
        below.append(found)
    return below
