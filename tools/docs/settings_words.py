"""What the settings reference says of the environment; a test sees that nothing is left out."""

from risk_actors.app.settings_environment import (
    ACCOUNT_NAME,
    API_KEY,
    API_URL,
    MARKET_HUB_URL,
    USER_HUB_URL,
    USERNAME,
)
from risk_actors.web.token_file import TOKEN_VARIABLE

ENVIRONMENT = {
    USERNAME: "Your user name at the firm. With the key it makes `run` go live.",
    API_KEY: "Your API key. It is a secret: it is hidden in every log line and stored nowhere.",
    ACCOUNT_NAME: "Guard this one account only; beats `accounts` and `account_name`.",
    API_URL: "The Gateway's REST address, for another firm than TopstepX; all three or none.",
    USER_HUB_URL: "Its user hub.",
    MARKET_HUB_URL: "Its market hub.",
    TOKEN_VARIABLE: "The token that everybody must have who asks the daemon over HTTP; beats"
    " `token_file`. At least 16 characters without spaces.",
}
"""By name, the variables that are read from the environment; all of them also from `.env`."""
