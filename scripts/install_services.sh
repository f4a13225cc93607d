#!/usr/bin/env bash
# Puts a Valkey server and a Chromium browser on the machine, for the tests that need real ones.
#
# Nothing is done where both are on the PATH. Else, as root with apt-get: Valkey from the machine's
# own sources, or from the backports of its Debian release, or else Redis; Chromium from the
# machine's own sources. The entry for the backports is made of the machine's own and used for this
# installation only. The packages start no service: the tests start servers of their own.
set -euo pipefail

have() { command -v "$1" >/dev/null 2>&1; }

need_server=
need_browser=
have valkey-server || need_server=yes
have chromium || have chromium-browser || have google-chrome || need_browser=yes
if [ -z "$need_server$need_browser" ]; then
  exit 0
fi
if [ "$(id -u)" != 0 ] || ! have apt-get; then
  if [ -n "$need_server" ] && ! have redis-server; then
    echo "install_services: no Valkey server here. Install the package valkey-server (or" \
      "redis-server); until then the tests that need one say so." >&2
  fi
  if [ -n "$need_browser" ]; then
    echo "install_services: no Chromium here. Install the package chromium; until then the" \
      "tests that need a browser say so." >&2
  fi
  exit 0
fi

scratch=$(mktemp -d)
policy=/usr/sbin/policy-rc.d
made_policy=
clean() {
  rm -rf "$scratch"
  if [ -n "$made_policy" ]; then
    rm -f "$policy"
  fi
}
trap clean EXIT

# The machine's sources, copied, so that nothing of its own is changed.
etc=/etc/apt
parts=$scratch/parts
mkdir "$parts"
if [ -s $etc/sources.list ]; then
  cp $etc/sources.list "$parts/machine.list"
fi
find $etc/sources.list.d -maxdepth 1 \( -name '*.list' -o -name '*.sources' \) \
  -exec cp {} "$parts" \; 2>/dev/null || true
apt=(-o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$parts")

# Writes the backports' entry; fails where the machine is no Debian release or has no own entry.
add_backports() {
  local id codename suite
  id=$(. /etc/os-release && echo "${ID:-}")
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  [ "$id" = debian ] && [ -n "$codename" ] || return 1
  suite=$codename-backports
  if grep -rqs "$suite" "$parts"; then
    return 0
  fi
  local file
  for file in "$parts"/*.sources; do
    [ -e "$file" ] || continue
    # The first stanza whose suites hold the release itself, its suites and components replaced.
    awk -v RS= -v name="$codename" -v suite="$suite" '
      $0 ~ "(^|\n)Suites:[^\n]*[ ]" name "([ \n]|$)" && $0 !~ "(^|\n)Enabled:[ ]*no" {
        gsub(/(^|\n)#[^\n]*/, "")
        sub(/(^|\n)Suites:[^\n]*/, "\nSuites: " suite)
        sub(/(^|\n)Components:[^\n]*/, "\nComponents: main")
        sub(/^\n+/, "")
        print
        exit
      }' "$file" >"$scratch/backports.sources"
    if [ -s "$scratch/backports.sources" ]; then
      mv "$scratch/backports.sources" "$parts/hotband-backports.sources"
      return 0
    fi
  done
  for file in "$parts"/*.list; do
    [ -e "$file" ] || continue
    sed -nE "s/^(deb( +\[[^]]*\])? +[^ ]+) +$codename +.*/\1 $suite main/p" "$file" |
      head -n 1 >"$scratch/backports.list"
    if [ -s "$scratch/backports.list" ]; then
      mv "$scratch/backports.list" "$parts/hotband-backports.list"
      return 0
    fi
  done
  return 1
}

candidate() {
  apt-cache "${apt[@]}" policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'
}

install_package() {
  DEBIAN_FRONTEND=noninteractive \
    apt-get "${apt[@]}" install -q -y --no-install-recommends "$@" >"$scratch/log" 2>&1 && return 0
  tail -n 20 "$scratch/log" >&2
  return 1
}

if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
  made_policy=yes
fi

apt-get "${apt[@]}" update -q >"$scratch/log" 2>&1 || tail -n 5 "$scratch/log" >&2
if [ -n "$need_browser" ]; then
  if candidate chromium && install_package chromium; then
    echo "install_services: installed chromium"
  else
    echo "install_services: could not install chromium; the tests that need a browser say so." >&2
  fi
fi
if [ -z "$need_server" ]; then
  exit 0
fi
service=valkey-server
if candidate valkey-server && install_package valkey-server; then
  :
elif add_backports && apt-get "${apt[@]}" update -q >"$scratch/log" 2>&1 &&
  install_package valkey-server -t "$(. /etc/os-release && echo "$VERSION_CODENAME")-backports"; then
  :
elif have redis-server || install_package redis-server; then
  service=redis-server
else
  echo "install_services: could not install valkey-server or redis-server; the tests that" \
    "need one say so." >&2
  exit 0
fi
# The package enables its service for the next boot; nobody asked for that.
if have systemctl && [ -d /run/systemd/system ]; then
  systemctl disable --now "$service" >/dev/null 2>&1 || true
fi
echo "install_services: installed $service"
