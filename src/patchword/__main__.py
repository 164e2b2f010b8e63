"""`python -m patchword`, and so `torchrun -m patchword`: the command line."""

from patchword.cli.main import main

if __name__ == "__main__":
    main()
