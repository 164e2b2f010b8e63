"""Which way a network is held, by the processes that there are and the recipe."""

from patchword.training.group import Alone
from patchword.training.held import Held
from patchword.training.recipe import Recipe
from patchword.training.task import Task


def hold(task: Task, recipe: Recipe, group: Alone) -> Held:
    """Take hold of a task's network.

    Args:
        task: whose network it is.
        recipe: says where to compute, and how several processes hold the network.
        group: the processes.

    Raises:
        RecipeError: if there is no such device here, or not one for each process.
    """
    device = group.device(recipe.training.device)
    if group.size == 1:
        return Held(task, recipe, device, group)
    from patchword.training.divided import Replicated, Sharded

    return {"ddp": Replicated, "fsdp": Sharded}[recipe.training.parallel](task, recipe, device, group)
