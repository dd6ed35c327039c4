"""The options that both trainings share."""

import argparse
import pathlib

import torch

from recipes import RECIPES


def parser_of(network, description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", choices=sorted(name for net, name in RECIPES if net == network), default="strong")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the run; a run that was cut off goes on")
    parser.add_argument(
        "--init", type=pathlib.Path, help="start from this state_dict (a pre-training's model.pt) instead of random weights"
    )
    parser.add_argument("--fold", type=int, help="keep this fold's images out of training (default: train on all)")
    parser.add_argument("--epochs", type=int, help="default: the recipe's")
    parser.add_argument("--learning-rate", type=float, help="default: the recipe's")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--precision",
        choices=("bf16", "fp32"),
        default="bf16",
        help="of the convolutions while training (default: %(default)s)",
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of a CPU")
    parser.add_argument("--minutes", type=float, help="stop after the epoch that ends later than this, with status 3")
    return parser


def prepare(network, options):
    """The recipe with what the command line changes, and torch set up."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    recipe = RECIPES[network, options.recipe]
    if options.epochs is not None:
        recipe = recipe._replace(epochs=options.epochs)
    if options.learning_rate is not None:
        recipe = recipe._replace(learning_rate=options.learning_rate)
    return recipe


def load_init(network, path, new=()):
    """Loads a state_dict, which need not have the layers called `new`; a last layer of another number of classes is an error."""
    if not path:
        return
    state = torch.load(path, map_location="cpu")
    state = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    for key, value in network.state_dict().items():
        if key.startswith(tuple(new)):
            state.setdefault(key, value)
    network.load_state_dict(state)
