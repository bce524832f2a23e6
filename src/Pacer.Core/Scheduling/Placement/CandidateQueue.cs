using Pacer.Core.Model;
using Pacer.Core.Scheduling.Constraints;

namespace Pacer.Core.Scheduling.Placement;

/// <summary>Best first: fewest instances of the run spec, then load (least or most used, as the score has it), then id.</summary>
internal readonly record struct CandidateRank(int Own, long Load, AgentId Id) : IComparable<CandidateRank>
{
    public int CompareTo(CandidateRank other)
    {
        var byOwn = Own.CompareTo(other.Own);
        var byLoad = byOwn != 0 ? byOwn : Load.CompareTo(other.Load);
        return byLoad != 0 ? byLoad : Id.CompareTo(other.Id);
    }
}

/// <summary>Nodes with one value of a balanced field. While the value is refused all of them wait; else the best stands for all.</summary>
internal sealed class CandidateGroup(ConstraintTally tally, string value)
{
    public ConstraintTally Tally { get; } = tally;
    public string Value { get; } = value;
    public PriorityQueue<Candidate, CandidateRank> Waiting { get; } = new();
    public bool IsRepresented { get; set; }
}

/// <summary>
/// Nodes to try, best first: those already looked at, and behind them the rest as they come from the index, which is not looked at
/// before it is needed.
/// </summary>
internal sealed class CandidateQueue(bool pack, IEnumerator<Candidate> rest)
{
    private readonly PriorityQueue<Candidate, CandidateRank> _known = new();
    private Candidate? _next;
    private bool _ended;

    public void Enqueue(Candidate candidate) => _known.Enqueue(candidate, RankOf(candidate));

    public Candidate? Dequeue()
    {
        if (_next is null && !_ended)
        {
            _ended = !rest.MoveNext();
            _next = _ended ? null : rest.Current;
        }
        if (_known.TryPeek(out var best, out var rank) && (_next is null || rank.CompareTo(RankOf(_next)) < 0))
        {
            return _known.Dequeue();
        }
        best = _next;
        _next = null;
        return best;
    }

    /// <summary>Lets a node wait with the others of its group.</summary>
    public void Park(Candidate candidate, CandidateGroup group)
    {
        candidate.StandsFor = null;
        group.Waiting.Enqueue(candidate, RankOf(candidate));
    }

    /// <summary>Puts the best of a group, whose value is accepted again, among the nodes to try.</summary>
    public void Represent(CandidateGroup group)
    {
        if (!group.IsRepresented && group.Waiting.TryDequeue(out var best, out _))
        {
            group.IsRepresented = true;
            best.StandsFor = group;
            Enqueue(best);
        }
    }

    private CandidateRank RankOf(Candidate candidate) => pack
        ? new(0, -candidate.UsedShare, candidate.Node.Id)
        : new(candidate.Own, candidate.UsedShare, candidate.Node.Id);
}
