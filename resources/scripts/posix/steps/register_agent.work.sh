# step: register_agent work
# variables: activation_id http_proxy https_proxy no_proxy region
# Stop the service and register. First line of standard input: the activation code. It stands in the agent's own
# arguments while it registers, and nowhere else. region, activation_id; http_proxy, https_proxy, no_proxy or nothing.
IFS= read -r secret
if [ -n "$https_proxy" ]; then export http_proxy https_proxy no_proxy; fi
if ! stop_agent; then
  echo "the agent does not stop: process $(agent_pids)"
  exit 1
fi
"$agent" -register -y -code "$secret" -id "$activation_id" -region "$region" </dev/null
