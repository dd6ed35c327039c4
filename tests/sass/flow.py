"""Control flow of a kernel's machine code: which instructions run in which loop."""

import bisect


class UnknownFlow(Exception):
    """A jump whose targets the listing doesn't tell."""


def successors_of(instruction, next_address):
    """Addresses at which execution may go on. BSYNC needs nothing: what it waits for is the code that follows it."""
    target = instruction.target
    if instruction.name in ("EXIT", "RET", "KILL"):
        return [next_address] if instruction.conditional else []
    if instruction.name == "BRA":
        return [target, next_address] if instruction.conditional else [target]
    if instruction.name == "CALL" or instruction.opcode == "WARPSYNC.COLLECTIVE":
        return [next_address] if target is None else [target, next_address]
    if instruction.name in ("BRX", "BRXU", "JMP", "JMX", "JMXU"):
        raise UnknownFlow(f"{instruction.opcode} at {instruction.address:#06x}")
    return [next_address]


def _blocks_of(instructions):
    """Index of each basic block's first instruction, and each block's successors. Block 0 is the entry."""
    index_of = {instruction.address: i for i, instruction in enumerate(instructions)}
    following = [i.address for i in instructions[1:]] + [None]
    exits = [successors_of(i, after) for i, after in zip(instructions, following)]
    starts = {0}
    for i, targets in enumerate(exits):
        if targets != [following[i]]:
            starts.update(index_of[target] for target in targets if target is not None)
            starts.add(i + 1)
    starts = sorted(start for start in starts if start < len(instructions))
    block_at = {start: block for block, start in enumerate(starts)}
    ends = starts[1:] + [len(instructions)]
    return starts, [[block_at[index_of[target]] for target in exits[end - 1] if target is not None] for end in ends]


def _reachable(successors):
    """Blocks in reverse postorder from the entry."""
    order, seen, path = [], {0}, [(0, iter(successors[0]))]
    while path:
        block, rest = path[-1]
        following = next((to for to in rest if to not in seen), None)
        if following is None:
            order.append(block)
            path.pop()
        else:
            seen.add(following)
            path.append((following, iter(successors[following])))
    return order[::-1]


def _dominators(order, predecessors):
    """Block -> bit set of the blocks that every way from the entry to it passes."""
    everything = (1 << (max(order) + 1)) - 1
    dominators = {block: everything for block in order}
    dominators[order[0]] = 1 << order[0]
    changed = True
    while changed:
        changed = False
        for block in order[1:]:
            common = everything
            for predecessor in predecessors[block]:
                common &= dominators[predecessor]
            common |= 1 << block
            changed |= common != dominators[block]
            dominators[block] = common
    return dominators


def loops_of(instructions):
    """The natural loops, each as the list of its own instructions: those that lie in no loop inside it.

    Natural loops, and not merely stretches that end with a backward branch: the compiler moves rarely taken code to the
    end of a kernel, from where it branches back without any loop.
    """
    starts, successors = _blocks_of(instructions)
    order = _reachable(successors)
    predecessors = {block: [] for block in order}
    for block in order:
        for to in successors[block]:
            predecessors[to].append(block)
    dominators = _dominators(order, predecessors)

    bodies = {}  # header -> blocks
    for block in order:
        for header in successors[block]:
            if not dominators[block] >> header & 1:
                continue
            body, left = bodies.setdefault(header, {header}), [block]
            while left:
                member = left.pop()
                if member not in body:
                    body.add(member)
                    left += predecessors[member]

    innermost = {}  # block -> header
    for header in sorted(bodies, key=lambda header: -len(bodies[header])):
        innermost.update(dict.fromkeys(bodies[header], header))
    own = {header: [] for header in bodies}
    for i, instruction in enumerate(instructions):
        header = innermost.get(bisect.bisect(starts, i) - 1)
        if header is not None:
            own[header].append(instruction)
    return [own[header] for header in sorted(own)]


def main_loop(instructions, is_work):
    """The loop that holds most of the instructions for which is_work(); all of them where no loop holds any."""
    loops = [loop for loop in loops_of(instructions) if any(map(is_work, loop))]
    return max(loops, key=lambda loop: (sum(map(is_work, loop)), len(loop)), default=instructions)
