using System.Diagnostics;
using System.Globalization;
using Pacer.Simulation;

var options = new SimulationOptions();
var seeds = 1;
for (var i = 0; i < args.Length; i++)
{
    if (args[i] is "-h" or "--help")
    {
        return Usage(0);
    }
    if (i + 1 >= args.Length)
    {
        Console.Error.WriteLine($"simulate: {args[i]} needs a value");
        return Usage(2);
    }
    var value = args[i + 1];
    var isNumber = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
    switch (args[i++])
    {
        case "--seed" when isNumber:
            options = options with { Seed = (ulong)number };
            break;
        case "--seeds" when isNumber && number > 0:
            seeds = (int)Math.Min(number, int.MaxValue);
            break;
        case "--steps" when isNumber && number > 0:
            options = options with { Steps = (int)Math.Min(number, 100_000_000) };
            break;
        case "--nodes" when isNumber && number is > 0 and <= 10_000:
            options = options with { Nodes = (int)number };
            break;
        case "--break" when Enum.TryParse<BrokenRule>(value, true, out var rule) && !isNumber:
            options = options with { Break = rule };
            break;
        case "--trace" when value is "yes" or "no":
            options = options with { Log = value == "yes" ? Console.WriteLine : null };
            break;
        default:
            Console.Error.WriteLine($"simulate: {args[i - 1]} {value}: unknown, or not a fitting value");
            return Usage(2);
    }
}

for (var i = 0; i < seeds; i++, options = options with { Seed = options.Seed + 1 })
{
    var clock = Stopwatch.StartNew();
    var outcome = SimulationRun.Play(options);
    Console.WriteLine($"seed {options.Seed}: {(outcome.Failure is null ? "held" : "FAILED")}, {outcome.Steps} steps, {options.Nodes} nodes, "
        + $"{outcome.VirtualTime.TotalHours:0.0} virtual hours in {clock.Elapsed.TotalSeconds:0.00} s");
    if (outcome.Failure is { } failure)
    {
        Console.WriteLine($"  {failure}");
        Console.WriteLine("  looking for the shortest history that shows it…");
        var shortest = SimulationRun.Shorten(options with { Log = null }, attempts: 1_500);
        outcome = SimulationRun.Play(shortest with { Log = line => Console.WriteLine("  " + line) });
        Console.WriteLine($"  {outcome.Failure}");
        return 1;
    }
}
return 0;

static int Usage(int code)
{
    Console.WriteLine("""
        Plays random histories against the real core in virtual time and checks that nothing is lost, doubled or over-committed.

        simulate [--seed N] [--seeds COUNT] [--steps N] [--nodes N] [--trace yes|no] [--break RULE]

          --seed    first seed (1)             --seeds   how many seeds, one after the other (1)
          --steps   events to play (10000)     --nodes   simulated nodes (20)
          --trace   print wishes and faults    --break   a rule to break on purpose, which the checks must notice:
                                                 OverCommit, LoseCommits, DoubleLaunches, IgnoreKills, AlwaysReady,
                                                 TrustOldReports, NoBrake, IgnoreMinimum, OverCommitDisks
                                         or WipeWithTasks

        Exit code 0 when everything held, 1 when a seed failed (its shortest history is printed), 2 for unusable arguments.
        """);
    return code;
}
