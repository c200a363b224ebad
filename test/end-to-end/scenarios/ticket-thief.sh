# What a job does that owns its host and knows every key: as its host, it asks for each ticket.
# Reads lines `TABLE KEY` and writes a line `KEY: STATUS ERROR-OR-TOKEN` for each.
set -euo pipefail

# On AWS the metadata service is at 169.254.169.254; here the boot script, further up, was told where it is.
imds='' process=$$
until [[ $imds ]]; do
  imds=$(tr '\0' '\n' <"/proc/$process/environ" | sed -n 's/^AWS_EC2_METADATA_SERVICE_ENDPOINT=//p')
  aws=$(tr '\0' '\n' <"/proc/$process/environ" | sed -n 's/^AWS_ENDPOINT_URL=//p')
  process=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$process/status")
done
session=$(curl -sS -X PUT -H 'x-aws-ec2-metadata-token-ttl-seconds: 60' "$imds/latest/api/token")
data() { curl -sS --fail -H "x-aws-ec2-metadata-token: $session" "$imds/latest/meta-data/$1"; }
role=$(data iam/security-credentials/)
credentials=$(data "iam/security-credentials/$role")
word() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" <<<"$credentials"; }

while read -r table key; do
  answer=$(curl -sS -w '\n%{http_code}' --aws-sigv4 "aws:amz:$(data placement/region):dynamodb" \
    --user "$(word AccessKeyId):$(word SecretAccessKey)" -H "x-amz-security-token: $(word Token)" \
    -H 'content-type: application/x-amz-json-1.0' -H 'x-amz-target: DynamoDB_20120810.DeleteItem' \
    --data "{\"TableName\":\"$table\",\"Key\":{\"id\":{\"S\":\"${key//OWN/$(data instance-id)}\"}},\"ReturnValues\":\"ALL_OLD\"}" "$aws/")
  echo "$key: ${answer##*$'\n'} $(grep -oE '[A-Za-z]*Exception|stolen-[a-z]+' <<<"$answer" | head -n 1)"
done
