"""What pages may say of a campaign: one state machine, fed by what is known.

campaign_status   the sentence, next step and badge of a campaign: all pages take them from here
facts             what is known of single campaigns: who waits, which requests are open, the pace
conditions        what is known of everything else that keeps campaigns from sending
gateway_state     whether the gateway answers, by what was recorded
variant_phase     where the test of a campaign's variants is
waiting           recipients who wait for the sending hours
pace              how many recipients are sent to in a second
"""
