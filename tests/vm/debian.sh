# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Packages of any Debian suite and architecture, with an apt state of its own below $cache/apt: the machine's lists,
# sources and installed packages stay as they are. Sourced; needs $cache.
: "${cache:?}"

# The address that this machine has for Debian, or for its security updates.
debian_mirror() { # suite
	local label=Debian
	[[ $1 == *-security ]] && label=Debian-Security
	# shellcheck disable=SC2016  # a placeholder of apt
	apt-get indextargets --format '$(REPO_URI)' "Label: $label" | head -n 1
}

# Runs apt with the state of a suite and architecture.
debian_apt() { # suite arch command...
	local suite=$1 arch=$2 command=$3 state=$cache/apt/$1-$2
	shift 3
	"$command" -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Sandbox::User="$(id -un)" \
		-o Dir::State::lists="$state/lists" -o Dir::Cache="$state/cache" -o Dir::State::status=/dev/null \
		-o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Acquire::Languages=none -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false "$@"
}

# Fetches the suite's list of packages.
debian_update() { # suite arch
	local state=$cache/apt/$1-$2 mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	mirror=$(debian_mirror "$1")
	[[ -n $mirror ]] || { echo "apt knows no mirror of Debian for $1" >&2; return 1; }
	mkdir -p "$state"/{lists,cache/archives}/partial
	echo "deb [signed-by=$keyring] $mirror $1 main" >"$state/sources.list"
	debian_apt "$1" "$2" apt-get -o APT::Update::Error-Mode=any update
}

# Unpacks these packages and all that they depend on, or with `--only` these alone.
debian_unpack() { # suite arch directory [--only] package...
	local suite=$1 arch=$2 directory=$3 archives=$cache/apt/$1-$2/cache/archives package
	shift 3
	rm -f "$archives"/*.deb
	if [[ $1 == --only ]]; then
		shift
		(cd "$archives" && debian_apt "$suite" "$arch" apt-get download "$@")
	else
		debian_apt "$suite" "$arch" apt-get install -y --download-only --no-install-recommends "$@"
	fi || return 1
	mkdir -p "$directory"
	for package in "$archives"/*.deb; do
		dpkg-deb -x "$package" "$directory" || return 1
	done
	rm -f "$archives"/*.deb
}

# Drops the state: nothing of it is needed again.
debian_forget() { # suite arch
	rm -rf "${cache:?}/apt/$1-$2"
}
