# Sourced by ./penstock and ./test: finds the SDK and builds, quietly, one build at a time. Wants $root.

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE=true

# What a build depends on; a file or folder newer than the stamp makes it stale (folders show what was deleted).
build_inputs=(src eng/BannedSymbols.All.txt eng/BannedSymbols.Pure.txt .editorconfig global.json
              Directory.Build.props Directory.Build.targets Directory.Packages.props)
build_stamp=$root/artifacts/penstock.stamp

# Sets $dotnet to the muxer, or says what is missing.
find_dotnet() {
  local candidate
  for candidate in "${DOTNET_ROOT:+$DOTNET_ROOT/dotnet}" "$(command -v dotnet)" "${HOME:-}/.dotnet/dotnet"; do
    [[ -n $candidate && -x $candidate ]] && { dotnet=$candidate; return; }
  done
  echo "penstock needs the .NET 10 SDK, and there is no dotnet here: https://dotnet.microsoft.com/download/dotnet/10.0" >&2
  return 1
}

# Asks once per build, not once per start: it takes longer than everything else here.
require_sdk() {
  "$dotnet" --list-sdks | grep -q '^10\.' && return
  echo "penstock needs the .NET 10 SDK; $dotnet has: $("$dotnet" --list-sdks | cut -d' ' -f1 | paste -sd' ')" >&2
  echo "get it at https://dotnet.microsoft.com/download/dotnet/10.0" >&2
  return 1
}

build_is_stale() {
  [[ -e $build_stamp ]] || return 0
  [[ -n $(cd "$root" && find "${build_inputs[@]}" -newer "$build_stamp" -print -quit) ]]
}

# Runs the build command given, under the lock, and stamps it with the time at which it began: an edit made during
# the build counts as newer. Build servers outlive the build and must not inherit the lock, hence 9>&-.
build_locked() {
  local log=$root/artifacts/build.log begun=$root/artifacts/build.begun
  touch "$begun"
  if (cd "$root" && "$dotnet" "$@" -c Release -v q) >"$log" 2>&1 </dev/null 9>&-; then
    mv "$begun" "$build_stamp"
    return
  fi
  cat "$log" >&2
  return 1
}

# Opens the lock as descriptor 9; without flock(1) there is none, and two first starts at once may collide.
lock_build() {
  mkdir -p "$root/artifacts"
  exec 9>"$root/artifacts/build.lock"
  ! command -v flock >/dev/null || flock 9
}

unlock_build() { exec 9>&-; }
