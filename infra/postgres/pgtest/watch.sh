# Stops the shared test server, process $1, once no test has used it for a
# minute. Runs in the shared folder.
idle=0
while kill -0 "$1" 2>/dev/null; do
	sleep 5
	idle=$((idle + 5))
	for user in users/*; do
		if kill -0 "${user#users/}" 2>/dev/null; then idle=0; else rm -f "$user"; fi
	done
	if [ "$idle" -ge 60 ]; then
		kill -INT "$1"
		while kill -0 "$1" 2>/dev/null; do sleep 1; done
	fi
done
