"""What we put into a function's process, in front of the emulator's own script. Standard library alone.

It finds and calls the handler as AWS's Python runtime does, and tells of an error in that runtime's words:
https://github.com/aws/aws-lambda-python-runtime-interface-client, awslambdaric/bootstrap.py.
"""

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

END = "\x04 webhook-lab: end of this invocation's log"


class Fault(Exception):
    """An error: its text is the JSON that whoever invoked the function gets."""

    def __init__(self, kind: str, message: str, trace: list[str]) -> None:
        told = {"errorMessage": message, "errorType": kind, "stackTrace": trace}
        folder = json.dumps(os.environ.get("LAMBDA_TASK_ROOT", ""))[1:-1]
        super().__init__(json.dumps(told).replace(folder, "/var/task") if folder else json.dumps(told))


def raised(error: Exception) -> Fault:
    """Any error of the function's code, from its first own line on."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename != __file__]
    lines = traceback.format_list(
        [(each.filename, each.lineno or 0, each.name, each.line) for each in frames]
    )
    return Fault(type(error).__name__, str(error), lines)


def exited(error: SystemExit) -> Fault:
    """Lambda's words for a process that ends itself."""
    code = error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error.code, str):
        print(error.code, file=sys.stderr)
    how = f"with error: exit status {code & 255}" if code else "without providing a reason"
    return Fault("Runtime.ExitError", f"Runtime exited {how}", [])


def find_handler(module: str, name: str) -> Any:
    """Import the function's code."""
    if module.partition(".")[0] in sys.builtin_module_names:
        said = f"Cannot use built-in module {module} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", said, [])
    try:
        code = importlib.import_module(module)
    except ImportError as error:
        said = f"Unable to import module '{module}': {error}"
        raise Fault("Runtime.ImportModuleError", said, []) from None
    except SyntaxError as error:
        where = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        said = f"Syntax error in module '{module}': {error}"
        raise Fault("Runtime.UserCodeSyntaxError", said, [where]) from None
    except SystemExit as error:
        raise exited(error) from None
    except Exception as error:
        raise raised(error) from None
    if not hasattr(code, name):
        raise Fault("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}'", [])
    return getattr(code, name)


def until_end(handler: Callable[[Any, Any], Any], event: Any, context: Any) -> Any:
    """Call the handler; after that, a last line says that no more of this invocation follows."""
    try:
        result = handler(event, context)
    except SystemExit as error:
        raise exited(error) from None
    except Exception as error:
        raise raised(error) from None
    finally:
        print(END, file=sys.__stderr__, flush=True)
    try:
        json.dumps(result)
    except (TypeError, ValueError) as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}", []) from None
    return result
