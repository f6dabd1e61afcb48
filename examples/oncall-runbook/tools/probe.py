"""What one probe measures of a service. Here it stands in a file; on a real host this would ask the monitoring."""

import json
from pathlib import Path

PROBES = Path(__file__).parent.parent / "probes"

def run(inputs, ctx):
    service = inputs["_state"]["alert"]["service"]
    known = json.loads((PROBES / f"{service}.json").read_text(encoding="utf-8"))
    return {"measured": [{"probe": inputs["probe"], "found": known[inputs["probe"]]}]}
