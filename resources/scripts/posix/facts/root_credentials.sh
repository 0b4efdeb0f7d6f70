# fact: root_credentials
# What kind of AWS key has root in [default], where the agent writes its node's? Nothing of the key itself is printed.
for folder in /root/ /root/.aws; do
  if [ -d "$folder" ] && ! [ -x "$folder" ]; then
    echo "/root/.aws can be read by root only" >&2
    exit 1
  fi
done
file=/root/.aws/credentials
kind=none
if [ -e "$file" ]; then
  if ! [ -r "$file" ]; then
    echo "$file can be read by root only" >&2
    exit 1
  fi
  inside=no
  while read -r line || [ -n "$line" ]; do
    case $inside:$line in
      *:'[default]'*) inside=yes ;;
      *:'['*) inside=no ;;
      # Keys of AWS's token service begin so: they end after hours, and are a person's own only for that long.
      yes:aws_access_key_id*=*ASIA*) kind=temporary ;;
      yes:aws_access_key_id*=*) kind=own ;;
    esac
  done <"$file"
fi
printf 'default %s\n' "$kind"
echo 'asked all'
