# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""The tenant's export API, by requests with one pool of connections."""

import threading
import time

import requests
import requests.adapters


class Refused(Exception):
    """The tenant will never do this."""


class Tenant:
    def __init__(self, url, client_id, secret, connections):
        self.url, self.client_id, self.secret = url, client_id, secret
        self.session = requests.Session()
        self.session.trust_env = False
        adapter = requests.adapters.HTTPAdapter(pool_connections=4, pool_maxsize=connections, max_retries=3)
        self.session.mount("http://", adapter)
        self.session.mount("https://", adapter)
        self._lock = threading.Lock()
        self._token, self._until = None, 0.0

    def token(self):
        with self._lock:
            if time.monotonic() >= self._until:
                answer = self.session.post(
                    self.url + "/api/v1/auth/oauth/token", timeout=30, data={
                        "grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.secret})
                answer.raise_for_status()
                page = answer.json()
                self._token, self._until = page["access_token"], time.monotonic() + page["expires_in"] - 60
            return self._token

    def _call(self, method, path, **more):
        headers = {"Authorization": f"Bearer {self.token()}", **more.pop("headers", {})}
        answer = self.session.request(method, self.url + path, headers=headers, timeout=30, **more)
        if 400 <= answer.status_code < 500 and answer.status_code != 429:
            raise Refused(f"{method} {path}: {answer.status_code}")
        answer.raise_for_status()
        return answer.json()

    def check(self, model, version):
        if self._call("GET", f"/api/v1/nlu/models/{model}/versions/{version}")["status"] != "TRAINED":
            raise Refused(f"{model} {version} is not trained")

    def trigger(self, command, run):
        body = {
            "modelId": command["modelId"], "version": command["version"], "format": command["format"],
            "metadata": {**command.get("metadata", {}), "commandId": command["commandId"], "runId": run}}
        return self._call(
            "POST", f"/api/v1/nlu/models/{command['modelId']}/exports", json=body, headers={"Idempotency-Key": run})

    def wait(self, job, initial=0.25, longest=30.0, deadline=7200.0):
        """Polls until the job is done; its download link."""
        delay, end = initial, time.monotonic() + deadline
        while time.monotonic() < end:
            page = self._call("GET", f"/api/v1/jobs/{job}")
            if page["status"] == "COMPLETED":
                return page["downloadUrl"]
            if page["status"] not in ("PENDING", "RUNNING"):
                raise Refused(f"job {job} is {page['status']}: {page.get('errorMessage')}")
            time.sleep(delay)
            delay = min(delay * 2, longest)
        raise Refused(f"job {job} did not end in time")

    def download(self, url):
        """The answer to be streamed; another origin gets no token."""
        headers = {"Accept-Encoding": "identity"}
        if url.startswith(self.url + "/"):
            headers["Authorization"] = f"Bearer {self.token()}"
        answer = self.session.get(url, headers=headers, stream=True, timeout=60)
        answer.raise_for_status()
        return answer
