"""`python -m risk_actors` is `risk-actors`."""

from risk_actors.cli.main import main

if __name__ == "__main__":
    main(prog_name="risk-actors")
