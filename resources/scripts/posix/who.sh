# who
# As whom do scripts run here, and how does this server call itself?
printf '%s on %s\n' "$(id -un)" "$(uname -n)"
