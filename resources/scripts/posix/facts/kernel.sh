# fact: kernel
# Which kernel, on what hardware, under which host name?
printf 'system %s\n' "$(uname -s)"
printf 'release %s\n' "$(uname -r)"
printf 'machine %s\n' "$(uname -m)"
printf 'hostname %s\n' "$(uname -n)"
printf 'bits %s\n' "$(getconf LONG_BIT 2>/dev/null)"
